#!/bin/sh
# Builds the camera rig: a folder in which the real picamera2 runs over libcamera's virtual cameras. As root, with mmdebstrap.
#   tests/rig/build.sh FOLDER
# Debian trixie from the mirror that this machine uses, wheels from the package index that its pip uses. About a minute, 350 MB.
set -eu
folder=${1:?folder}
here=$(cd "$(dirname "$0")" && pwd)
arch=$(uname -m)
mirror=$(sed -n 's/^URIs: *//p; s/^deb  *\(\[[^]]*\] *\)\{0,1\}\(http[^ ]*\) .*/\2/p' /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
    grep '/debian/*$' | head -n 1)
[ -n "$mirror" ] || {
    echo "rig: no Debian mirror in this machine's apt sources" >&2
    exit 2
}
keys="[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"

rm -rf "$folder"
mkdir -p "$folder"
mmdebstrap --quiet --variant=extract --mode=root --include=python3,python3-libcamera/trixie-backports,python3-prctl \
    --aptopt='APT::Install-Recommends "false"' \
    trixie "$folder" "deb $keys $mirror trixie main" "deb $keys $mirror trixie-backports main"
cd "$folder"
for link in bin sbin lib lib64; do
    [ -e "$link" ] || ln -s "usr/$link" "$link"
done
mkdir -p proc dev tmp repo etc
rm -rf usr/lib/*/libLLVM* usr/lib/*/libgallium* usr/lib/*/libz3* usr/share/doc usr/share/man usr/share/locale

mkdir -p usr/share/libcamera/pipeline/virtual
cp "$here/virtual.yaml" usr/share/libcamera/pipeline/virtual/virtual.yaml
python=$(ls usr/bin | sed -n 's/^python\(3\.[0-9]*\)$/\1/p' | head -n 1)
site="$folder/usr/local/lib/python$python/dist-packages"
mkdir -p "$site"
wheels() {
    python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target "$site" --python-version "$python" \
        --implementation cp --platform "manylinux_2_28_$arch" --platform "manylinux_2_17_$arch" --platform "manylinux2014_$arch" \
        --only-binary=:all: "$@"
}
wheels --no-deps 'picamera2==0.3.38' videodev2 simplejpeg # its own list asks for source packages that nothing here imports
wheels numpy pillow piexif 'av==18.1.0' jsonschema tqdm libarchive-c msgspec click rich cryptography pytest pytest-timeout
