"""A configuration on trial, as `commit confirmed` of routers: in force for a time, and gone again unless it proves itself.

node.toml.trial holds both documents and a state. The state is the commit point of each step and node.toml follows it, so that power may
go at any moment: whoever looks next sees from the state which of the two node.toml must be. A node.toml that is neither was edited on the
node: it is left alone, and the trial is over.
"""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Protocol

import msgspec

from edge.errors import NotFound, StorageError
from edge.messages.config import Trial

log = logging.getLogger(__name__)

BOOTS_MAX = 3
"""A configuration under which the machine falls over may be tried in so many boots."""
EDITED = "node.toml was edited on the node meanwhile"


class SmallFiles(Protocol):
    """The part of the disk port that is needed here."""

    def read(self, path: Path, offset: int = 0, length: int | None = None) -> bytes: ...

    def replace(self, path: Path, data: bytes) -> None: ...

    def unlink(self, path: Path) -> None: ...

    def sync_dir(self, path: Path) -> None: ...


def trial_path(path: Path) -> Path:
    """path: node.toml's."""
    return path.with_name(path.name + ".trial")


def read_trial(disk: SmallFiles, path: Path) -> Trial | None:
    """None where there is none, or it does not read: nothing is done then."""
    try:
        return msgspec.json.decode(disk.read(trial_path(path)), type=Trial)
    except NotFound:
        return None
    except (StorageError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        log.error("%s does not read: %s", trial_path(path), error)
        return None


def write_trial(disk: SmallFiles, path: Path, trial: Trial) -> Trial:
    """Durable. Raises StorageError."""
    disk.replace(trial_path(path), msgspec.json.encode(trial))
    return trial


def end_trial(disk: SmallFiles, path: Path) -> None:
    """Forget it. Raises StorageError."""
    disk.unlink(trial_path(path))
    disk.sync_dir(path.parent)


def on_trial(disk: SmallFiles, path: Path) -> bool:
    """node.toml may have to go again."""
    trial = read_trial(disk, path)
    return trial is not None and trial.state in ("wanted", "trying")


def start_trying(disk: SmallFiles, path: Path, trial: Trial, boot: str, now_s: float) -> Trial:
    """Puts it into node.toml; once more in a later boot, after BOOTS_MAX of which it is rolled back. now_s: on the boot clock. Raises
    StorageError; asking again does the rest."""
    if boot not in trial.boots:
        if len(trial.boots) >= BOOTS_MAX:
            return roll_back(disk, path, trial, f"no connected link in {BOOTS_MAX} boots")
        trial = msgspec.structs.replace(trial, state="trying", boots=[*trial.boots, boot], began_s=now_s)
        write_trial(disk, path, trial)
    return _follow(disk, path, trial)


def roll_back(disk: SmallFiles, path: Path, trial: Trial, why: str) -> Trial:
    """Raises StorageError; asking again does the rest."""
    if trial.state != "rolled_back":
        trial = write_trial(disk, path, msgspec.structs.replace(trial, state="rolled_back", why=why))
    return _follow(disk, path, trial)


def is_over(trial: Trial, now_s: float) -> bool:
    """Its time has passed without a confirmation."""
    return trial.state == "trying" and now_s - trial.began_s >= trial.confirm_s


def _follow(disk: SmallFiles, path: Path, trial: Trial) -> Trial:
    """node.toml as the state says."""
    data = disk.read(path)
    found = hashlib.sha256(data).hexdigest()
    back = trial.state == "rolled_back"
    text, sha256 = (trial.before, trial.before_sha256) if back else (trial.wanted, trial.wanted_sha256)
    if found == sha256:
        return trial
    if found not in (trial.before_sha256, trial.wanted_sha256):
        if back:
            return trial
        log.warning("%s: the configuration on trial is given up: %s", path, EDITED)
        return write_trial(disk, path, msgspec.structs.replace(trial, state="rolled_back", why=EDITED))
    disk.replace(path, text.encode("utf-8"))
    return trial
