"""`edge config`: check, explain, schema."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from edge.cli.options import config_option, example, json_option, load_for_people
from edge.config.explain import explain
from edge.config.model import NodeConfig
from edge.config.problems import ConfigProblems, Problem
from edge.config.read import Loaded, locate, read_config
from edge.config.schema import json_schema
from edge.config.secrets import check_files
from edge.errors import ConfigError, UsageError
from edge.host.linux_disk import LinuxDisk
from edge.ring.horizon import configured_bytes_per_day, days_on_empty
from edge.ring.retain import policy_of

SECONDS_PER_DAY = 86_400


@click.group(epilog=example("edge config check --config node.toml"))
def command() -> None:
    """Check and explain node.toml."""


@command.command(epilog=example("edge config check --config /etc/edge/node.toml"))
@config_option
@json_option
def check(config_path: Path | None, as_json: bool) -> int:
    """Read the file strictly and tell everything that is wrong with it, also with the files it names.

    Exit 0: recording can start with it. Exit 78: it cannot, or a named file is missing or readable by others.
    """
    path = locate(config_path)
    try:
        loaded: Loaded | None = read_config(path)
        assert loaded is not None
        problems: tuple[Problem, ...] = tuple(check_files(loaded.config))
    except ConfigProblems as error:
        loaded, problems = None, error.problems
    warnings = _warnings(loaded.config) if loaded is not None else []
    if as_json:
        report = {
            "ok": not problems,
            "path": str(path.absolute()),
            "sha256": loaded.sha256 if loaded else None,
            "problems": [{"path": problem.path, "text": problem.text} for problem in problems],
            "warnings": warnings,
        }
        click.echo(msgspec.json.format(msgspec.json.encode(report)))
    elif problems:
        click.echo(f"{path}: {len(problems)} {'error' if len(problems) == 1 else 'errors'}", err=True)
        for problem in problems:
            click.echo(f"  {problem}", err=True)
    elif loaded is not None:
        click.echo(f"{path}: OK")
        click.echo(_summary(loaded.config))
    for warning in [] if as_json else warnings:
        click.echo(f"warning: {warning}", err=True)
    return ConfigError.exit_code if problems else 0


def _warnings(config: NodeConfig) -> list[str]:
    """What is allowed, and will break the legal minimum all the same."""
    data = Path(config.node.data)
    there = next((folder for folder in (data, *data.parents) if folder.is_dir()), None)
    if there is None:
        return []
    total_bytes = LinuxDisk().space(there).total_bytes
    kept, rates = config.retention, [configured_bytes_per_day(camera.bitrate_kbps) for camera in config.camera]
    reserve_bytes = policy_of(config).reserve_of(total_bytes)
    days, with_holds = (
        days_on_empty(total_bytes, reserve_bytes, rates, config.ring.budget_bytes, percent) for percent in (0.0, config.hold.quota_percent)
    )
    if with_holds >= kept.minimum_days:
        return []
    lacking_gb = (kept.minimum_days - days) * sum(rates) / 1e9
    size = f"{config.node.data} has {total_bytes / 1e9:,.1f} GB, {reserve_bytes / 1e9:,.1f} GB of it kept free"
    reach = f"{days:.1f} days at the configured rates ({sum(rates) / 1e9:,.1f} GB a day), {with_holds:.1f} with holds at their quota"
    if days >= kept.minimum_days:
        return [f"{size}: enough for {reach}; the legal minimum is {kept.minimum_days:g} days: full holds would break it"]
    return [f"{size}: enough for {reach}; the legal minimum is {kept.minimum_days:g} days: {max(lacking_gb, 0.1):,.1f} GB are lacking"]


def _summary(config: NodeConfig) -> str:
    kbps = sum(camera.bitrate_kbps for camera in config.camera)
    need_gb = kbps * 1000 / 8 * config.retention.days * SECONDS_PER_DAY / 1e9
    cameras = ", ".join(f"{camera.id} ({camera.source.partition(':')[0]})" for camera in config.camera)
    return (
        f"  node {config.node.id}, cameras {cameras}, data in {config.node.data}\n"
        f"  footage is kept {config.retention.days:g} days (profile {config.retention.profile}): "
        f"about {need_gb:,.0f} GB at the configured rates"
    )


@command.command(name="explain", epilog=example("edge config explain", "edge config explain camera[0]"))
@click.argument("prefix", required=False, default="")
@config_option
@json_option
def explain_command(prefix: str, config_path: Path | None, as_json: bool) -> None:
    """Show every value in force, where it comes from, what it means and what is allowed.

    PREFIX shows a part: a table (ring, camera[0]) or one key (mqtt.host).
    """
    values = explain(load_for_people(config_path), prefix)
    if not values:
        raise UsageError(f"there is no key {prefix} in this configuration", remedy="run `edge config explain` without it to see all")
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(values)))
        return
    width = max(len(value.path) for value in values)
    for value in values:
        click.echo(f"{value.path:<{width}} = {value.value}{' ' + value.unit if value.unit else ''}  [{value.origin}]")
        notes = "; ".join(part for part in (value.about, f"allowed {value.allowed}" if value.allowed else "") if part)
        if notes:
            click.echo(f"{'':<{width}}   {notes}")


@command.command(epilog=example("edge config schema > node.schema.json"))
def schema() -> None:
    """Print the JSON Schema (2020-12) of node.toml."""
    click.echo(msgspec.json.format(msgspec.json.encode(json_schema())))
