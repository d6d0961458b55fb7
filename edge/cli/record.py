"""`edge record`: one camera's recorder process."""

from __future__ import annotations

import logging
from pathlib import Path

import click

from edge.cli.options import config_option, example, known_camera, load_for_service, stop_on_signals
from edge.config.lastgood import keep_last_good
from edge.config.read import Loaded
from edge.config.trial import on_trial
from edge.errors import ConfigError, StorageError
from edge.host.linux_disk import LinuxDisk

log = logging.getLogger(__name__)


@click.command(epilog=example("edge record --camera cam0"))
@config_option
@click.option("--camera", metavar="ID", help="Camera id; may be left out where there is one only.")
def command(config_path: Path | None, camera: str | None) -> int:
    """Record one camera until SIGTERM.

    Needs the camera and the disk, nothing else. A broken configuration file is replaced by its last good copy, unless it has privacy masks
    for this camera that the copy has not.
    """
    stop = stop_on_signals()
    loaded = load_for_service(config_path)
    known = known_camera(loaded.config, camera)
    if known in loaded.uncovered:
        raise ConfigError(
            f"camera {known} is not recorded: {loaded.path} is broken, and its last good copy lacks privacy masks that it has",
            remedy="correct it, with the help of `edge config check`",
        )
    from edge.services.recorder import run_recorder

    keep(loaded)
    return run_recorder(loaded.config, known, stop, config_sha256=loaded.sha256, config_fault=loaded.fault)


def keep(loaded: Loaded) -> None:
    """Keep the last good copy of the configuration, unless it is on trial; a folder that cannot be written costs the copy, not the
    recording."""
    disk = LinuxDisk()
    try:
        if not on_trial(disk, loaded.path) and keep_last_good(loaded, disk):
            log.info("%s: kept as the last good copy", loaded.path)
    except StorageError as error:
        log.warning("%s: the last good copy cannot be kept: %s", loaded.path, error)
