"""Stand-ins for the two Raspberry Pi tools that rpi_signer calls, written from their sources (raspberrypi/utils: rpifwcrypto/main.c and
rpifwcrypto.c, vcmailbox/vcmailbox.c). They really sign, with a key in a file in place of the OTP; nothing here was compared with a Pi."""

from __future__ import annotations

import sys
from pathlib import Path

_KEY_TOOL = '''#!{python}
"""rpi-fw-crypto: get-key-status, pubkey, genkey, as main.c reads and prints them."""
import sys
from pathlib import Path
sys.path.insert(0, {here!r})
import otp

words = sys.argv[1:]
otp.misbehave()
if words[:1] == ["get-key-status"] and len(words) == 2:
    status = otp.status()
    print(f"Key {{int(words[1])}} status: 0x{{status:08x}} ({{'DEVICE LOCKED' if status & 0x100 else 'DEVICE'}})")
elif words[:2] == ["pubkey", "--key-id"]:
    if otp.key() is None:
        sys.stderr.write("Failed to get public key: Key not set (all zeros)\\nLast crypto error: 6 (Key not set (all zeros))\\n")
        sys.exit(255)
    sys.stdout.buffer.write(otp.public())
elif words[:2] == ["genkey", "--key-id"] and words[3:] == ["--alg", "ec"]:
    if otp.key() is not None:
        sys.stderr.write("Failed to generate key: Key slot is not blank\\n")
        sys.exit(255)
    otp.generate()
    print(f"Successfully generated ECDSA key in slot {{words[2]}}")
else:
    sys.exit(1)
'''

_MAILBOX_TOOL = '''#!{python}
"""vcmailbox: sends one property message and prints it back; of the tags only GET_CRYPTO_ECDSA_SIGN is there."""
import struct, sys
sys.path.insert(0, {here!r})
import otp

otp.misbehave()
words = [int(word, 0) for word in sys.argv[1:]]
message = [4 * (len(words) + 3), 0, *words, 0]
tag, size = words[0], words[1]
flags, key_id, length = words[3:6]
digest = struct.pack(f"<{{len(words) - 6}}I", *words[6:])[:length]
assert (tag, flags, length, size, message[0]) == (0x00030091, 0, 32, 128, 160), words
if otp.key() is None:
    status, signature = 0x80000000, b""
else:
    status, signature = 0, otp.sign(digest)
value = struct.pack("<II", status, len(signature)) + signature
answer = struct.unpack("<34I", value.ljust(136, b"\\0"))
message[1] = 0x80000000
message[4] = 0x80000000 | len(value)
message[5 : 5 + len(answer)] = answer
print("".join(f"0x{{word:08x}} " for word in message))
'''

_OTP = """
import os, signal, sys, time
from pathlib import Path
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

FOLDER = Path({here!r})

def misbehave():
    mood = (FOLDER / "mood").read_text()
    if mood == "hang":
        signal.pause()
    if mood == "die":
        os.kill(os.getpid(), signal.SIGSEGV)

def status():
    return int((FOLDER / "status").read_text(), 0)

def key():
    path = FOLDER / "otp.pem"
    return serialization.load_pem_private_key(path.read_bytes(), None) if path.exists() else None

def generate():
    made = ec.generate_private_key(ec.SECP256R1())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (FOLDER / "otp.pem").write_bytes(made.private_bytes(*form))

def public():
    return key().public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)

def sign(digest):
    der = key().sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
    if (FOLDER / "form").read_text() == "raw":
        r, s = utils.decode_dss_signature(der)
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return der
"""


class RpiTools:
    """folder: to be put in PATH, or given as the place of the tools. The OTP is blank."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        (folder / "otp.py").write_text(_OTP.format(here=str(folder)))
        for name, text in (("rpi-fw-crypto", _KEY_TOOL), ("vcmailbox", _MAILBOX_TOOL)):
            path = folder / name
            path.write_text(text.format(python=sys.executable, here=str(folder)))
            path.chmod(0o755)
        self.be("well")
        self.lock(True)
        self.answer_in("der")

    def be(self, mood: str) -> None:
        """well, hang or die."""
        (self.folder / "mood").write_text(mood)

    def lock(self, locked: bool) -> None:
        (self.folder / "status").write_text("0x101" if locked else "0x001")

    def answer_in(self, form: str) -> None:
        """der, as the tools' README says of the firmware, or raw."""
        (self.folder / "form").write_text(form)
