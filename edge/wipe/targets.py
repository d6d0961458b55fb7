"""What belongs to a node besides its data partition, by its configuration. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edge.config.model import NodeConfig
from edge.config.paths import path_keys
from edge.config.read import last_good_path

DESK = "desk"
NETWORK = (
    ("etc/NetworkManager/system-connections", "*"),
    ("etc/wpa_supplicant", "*.conf"),
    ("etc/netplan", "*.yaml"),
    ("etc/wireguard", "*.conf"),
    ("etc/systemd/network", "*.netdev"),
    ("etc/ppp", "*-secrets"),
    ("var/lib/iwd", "*.psk"),
    ("var/lib/iwd", "*.8021x"),
    ("boot/firmware", "wpa_supplicant.conf"),
    ("boot/firmware", "network-config"),
    ("boot/firmware", "custom.toml"),
)
"""(folder below the root, names): where Linux keeps the passwords of networks: Wi-Fi, modem, VPN."""
FOOTAGE = ("thumbs", "jobs", "hold", "ring")
"""Below the data partition, in this order: links to footage go before it."""
STATE = ("agent", "cursor")
SENTINEL = ".edge-data"
JOURNALS = "journal"


@dataclass(frozen=True, slots=True)
class Targets:
    """secrets: private keys, passwords, PINs; emptied and removed. public: certificates and the centre's key, which are the node's own.
    spared: (path, why) of files that others may use. by_hand: what this command cannot reach."""

    secrets: list[Path]
    public: list[Path]
    spared: list[tuple[Path, str]]
    by_hand: list[str]
    config: list[Path]
    network: bool


def targets_of(config: NodeConfig, config_path: Path) -> Targets:
    """`config` has absolute paths. Certificates outside the folder of node.toml are left: the system's authorities are such."""
    home = config_path.parent
    secrets = [Path(config.node.disk_key)] if config.node.disk_key else []
    public: list[Path] = []
    for section in _sections(config):
        secrets += [Path(getattr(section, key)) for key in path_keys(section, "secret")]
        public += [Path(getattr(section, key)) for key in path_keys(section, "file")]
    own = [path for path in public if path.is_relative_to(home) and ".." not in path.parts]
    spared = [(path, f"outside {home}: others may use it") for path in public if path not in own]
    return Targets(
        list(dict.fromkeys(secrets)),
        list(dict.fromkeys(own)),
        list(dict.fromkeys(spared)),
        list(_by_hand(config)),
        [last_good_path(config_path), config_path],
        config.node.hw != DESK,
    )


def _sections(config: NodeConfig) -> Iterator[msgspec.Struct]:
    yield from (part for part in (config.seal, config.mqtt, config.upload, config.serve) if part is not None)
    yield from config.camera


def _by_hand(config: NodeConfig) -> Iterator[str]:
    seal = config.seal
    if seal is not None and seal.signer == "pkcs11":
        token = f"token {seal.pkcs11_token!r}, label {seal.pkcs11_label!r}"
        yield f"the seal key is in a PKCS#11 token ({token}): delete it there, e.g. pkcs11-tool --delete-object --type privkey"
    if seal is not None and seal.signer == "rpifwcrypto":
        yield f"the seal key is OTP key {seal.rpi_key} of this board and cannot be erased: withdraw its certificate at the centre"
    if config.node.hw == DESK:
        yield 'hw = "desk": the networks of this machine are left as they are'
    if not config.node.disk_key:
        yield "no [node] disk_key is named: if the data partition is encrypted, run `cryptsetup erase` on it"
