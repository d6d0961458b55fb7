"""A broker as a town would run it: TLS, a certificate or a password for everybody, and the access list that the product makes."""

from __future__ import annotations

import datetime
import subprocess
from collections.abc import Sequence
from pathlib import Path

from edge.link import access
from tests.support.agents import NODE
from tests.support.certificates import Authority
from tests.support.mosquitto import Mosquitto

CENTRE, EAR = "centre", "ear"
NAME = "broker.town.test"
_LEVELS = f"town/v1/{NODE}"


class SecuredBroker:
    """passwords: clients show a password instead of a certificate. store, prefix: as in Mosquitto."""

    def __init__(
        self, folder: Path, address: str = "127.0.0.1", *, passwords: bool = False, store: Path | None = None, prefix: Sequence[str] = ()
    ) -> None:
        self.folder, self.address, self.passwords = folder, address, passwords
        self.authority = Authority(folder / "authority")
        for client in (NODE, CENTRE, EAR):
            self.authority.issue(client)
        certificate, key = self.authority.issue("broker", address, NAME)
        self._acl, self._passwords = folder / "town.acl", folder / "passwords"
        self.allow()
        listener = f"listener {{port}} {address}\ncertfile {certificate}\nkeyfile {key}\nallow_anonymous false\nacl_file {self._acl}\n"
        if passwords:
            self._passwords.touch(0o600)
            for client in (NODE, CENTRE, EAR):
                self.set_password(client, f"the {client}'s first")
                self.keep_password(client, f"the {client}'s first")
            listener += f"password_file {self._passwords}\n"
        else:
            listener += f"cafile {self.authority.ca}\ncrlfile {self.authority.revoke()}\n"
            listener += "require_certificate true\nuse_identity_as_username true\n"
        self.mosquitto = Mosquitto(folder / "broker", listener=listener, store=store, prefix=prefix)

    def allow(self, *without: str) -> None:
        """The access list, without the node's right to some of its topics."""
        lines = access.mosquitto("town", [CENTRE, EAR]).splitlines()
        named = [f"pattern {right} town/v1/%u/{topic}" for right, _, topic in (each.partition(" ") for each in without)]
        assert set(named) <= set(lines), named
        self._acl.write_text("\n".join(line for line in lines if line not in named) + "\n")
        self._acl.chmod(0o600)

    def set_password(self, client: str, password: str) -> None:
        """At the broker."""
        subprocess.run(["mosquitto_passwd", "-b", str(self._passwords), client, password], check=True, capture_output=True)

    def keep_password(self, client: str, password: str) -> Path:
        """On the client's side."""
        path = self.authority.folder / f"{client}.password"
        path.touch(0o600)
        path.write_text(f"{password}\n")
        return path

    def renew(self, client: str, lasts_s: float | None = None) -> None:
        """A new certificate in the old one's place."""
        if lasts_s is None:
            self.authority.issue(client)
        else:
            now = datetime.datetime.fromtimestamp((self.folder / "town.acl").stat().st_mtime, datetime.timezone.utc)
            self.authority.issue(client, until=now + datetime.timedelta(seconds=lasts_s))

    def mqtt_lines(self, client: str, host: str = "", port: int = 0) -> str:
        """[mqtt] of a client; all that is not named here is as the product has it."""
        folder = self.authority.folder
        lines = [f'host = "{host or self.address}"', f"port = {port or self.mosquitto.port}", f'ca = "{self.authority.ca}"']
        if self.passwords:
            lines += [f'user = "{client}"', f'password_file = "{folder / f"{client}.password"}"']
        else:
            lines += [f'certificate = "{folder / f"{client}.pem"}"', f'key = "{folder / f"{client}.key"}"']
        return "\n".join(lines)

    def ear_words(self) -> list[str]:
        """Arguments of ear_process, but for the file."""
        folder, port = self.authority.folder, str(self.mosquitto.port)
        words = [self.address, port, str(self.authority.ca)]
        if self.passwords:
            return [*words, "", "", EAR, f"the {EAR}'s first"]
        return [*words, str(folder / f"{EAR}.pem"), str(folder / f"{EAR}.key"), "", ""]
