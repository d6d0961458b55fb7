#!/bin/sh
# Sets up a desk or a test machine (Debian, Ubuntu, Raspberry Pi OS) for this checkout: the distribution's packages that are
# missing, and a virtual environment in .venv with the package in it. Says what it installs. Works as root or with sudo.
#   image/desk-setup.sh demo     what `make demo` needs
#   image/desk-setup.sh test     what `make test` needs (real brokers, servers, players)
#   image/desk-setup.sh vm       what `make vm` needs (QEMU beside that)
set -eu
purpose=${1:-demo}
cd "$(dirname "$0")/.."

case "$purpose" in
demo)
    extra=desk
    needed="python3:python3 python3-venv:@venv mosquitto:mosquitto"
    ;;
test | vm)
    extra=dev
    needed="python3:python3 python3-venv:@venv mosquitto:mosquitto mosquitto-clients:mosquitto_pub
        gcc:gcc pkg-config:pkg-config libsystemd-dev:@pc:libsystemd python3-dev:@headers
        ffmpeg:ffmpeg gstreamer1.0-tools:gst-launch-1.0 gstreamer1.0-plugins-base:@gst:videotestsrc
        gstreamer1.0-plugins-good:@gst:qtdemux gstreamer1.0-plugins-bad:@gst:h265parse gstreamer1.0-plugins-ugly:@gst:x264enc
        gstreamer1.0-libav:@gst:avdec_h264 python3-gi:@gi:Gst gir1.2-gst-rtsp-server-1.0:@gi:GstRtspServer
        gstreamer1.0-nice:@gst:nicesink gir1.2-gst-plugins-bad-1.0:@gi:GstWebRTC
        mmdebstrap:mmdebstrap device-tree-compiler:dtc nginx:nginx libnginx-mod-http-dav-ext:@file:/usr/lib/nginx/modules/ngx_http_dav_ext_module.so
        softhsm2:softhsm2-util openssl:openssl chromium:chromium poppler-utils:pdfinfo e2fsprogs:mkfs.ext4 mount:losetup iproute2:ip procps:ps"
    [ "$purpose" = test ] || needed="$needed qemu-system-x86:qemu-system-x86_64 busybox-static:busybox"
    ;;
*)
    echo "desk-setup: '$purpose' is neither demo, test nor vm" >&2
    exit 2
    ;;
esac

PATH=$PATH:/usr/sbin:/sbin
python=${PYTHON:-python3}

present() {
    case "$1" in
    @venv) "$python" -c 'import ensurepip, venv' 2>/dev/null ;;
    @headers) "$python" -c 'import os, sysconfig; raise SystemExit(not os.path.exists(sysconfig.get_paths()["include"] + "/Python.h"))' 2>/dev/null ;;
    @file:*) [ -e "${1#@file:}" ] ;;
    @pc:*) pkg-config --exists "${1#@pc:}" 2>/dev/null ;;
    @gst:*) gst-inspect-1.0 --exists "${1#@gst:}" 2>/dev/null ;;
    @gi:*) /usr/bin/python3 -c "import gi; gi.require_version('${1#@gi:}', '1.0')" 2>/dev/null ;;
    *) command -v "$1" >/dev/null 2>&1 ;;
    esac
}

missing=""
for pair in $needed; do
    present "${pair#*:}" || missing="$missing ${pair%%:*}"
done
if [ -n "$missing" ]; then
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "desk-setup: missing:$missing - this system has no apt-get: install them by its own means, then run again" >&2
        exit 2
    fi
    root=""
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null 2>&1 || {
            echo "desk-setup: missing:$missing - run as root, or install sudo" >&2
            exit 2
        }
        root=sudo
    fi
    echo "desk-setup: installing from the distribution:$missing"
    $root apt-get -qq update
    $root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $missing >/dev/null
fi

"$python" -c 'import sys; raise SystemExit(sys.version_info < (3, 10))' || {
    echo "desk-setup: $("$python" --version) is too old: Python 3.10 or newer is needed (set PYTHON=...)" >&2
    exit 2
}
[ -x .venv/bin/python ] || {
    echo "desk-setup: making the virtual environment .venv"
    "$python" -m venv .venv
}
wanted=$(cat pyproject.toml image/desk-setup.sh | cksum)
if [ "$(cat ".venv/set-up-for-$purpose" 2>/dev/null)" != "$wanted" ]; then
    echo "desk-setup: installing edge-recorder[$extra] and its Python packages into .venv"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[$extra]"
    echo "$wanted" >".venv/set-up-for-$purpose"
fi
