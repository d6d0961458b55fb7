"""Which adapters an agent with a broker is made of: every one is named here."""

from __future__ import annotations

from pathlib import Path

from edge import __version__
from edge.clip.maker import ClipMaker
from edge.clip.package import PackageMaker
from edge.clock import Clock, monotonic_s
from edge.command.authority import Authority, read_command_key
from edge.command.identify import Identify
from edge.command.ledger import Ledger
from edge.config.model import Mqtt, NodeConfig
from edge.config.read import Loaded
from edge.host.disk import Disk
from edge.journal.cursor import Cursor
from edge.journal.reader import JournalReader
from edge.journal.writer import JournalWriter
from edge.link.growth import growth_of
from edge.link.inbox import subscriptions
from edge.link.lane import Lane
from edge.link.properties import Follower, Properties
from edge.link.session import SessionNumber
from edge.link.settings import settings_of
from edge.link.supervisor import MqttLink
from edge.messages.records import AlarmRaised
from edge.messages.wire import CameraInfo, NodeInfo
from edge.ring.hold_alarms import PREFIX as HOLD_PREFIX
from edge.ring.hold_alarms import HoldAlarms
from edge.ring.layout import NodeFolders, recorder_journal
from edge.ring.query import RingReader
from edge.seal.opening import identity_opener
from edge.services.agent_alarms import PREFIX, LinkAlarms
from edge.services.agent_chores import holds_of
from edge.services.agent_health import HealthWatch
from edge.services.agent_history import HealthHistory
from edge.services.agent_parts import JOURNAL, Inbox, Parts
from edge.services.agent_past import PAST, Past, look_back_from
from edge.services.agent_turns import Agent
from edge.services.agent_verbs import Workshop, config_desk, followed_of, verbs_of
from edge.services.agent_voice import Wills
from edge.services.checkpoints import Checkpoints
from edge.services.clip_ahead import Ahead
from edge.services.clip_jobs import ClipJobs
from edge.services.clip_rules import rules_of
from edge.services.errands import Errands
from edge.services.followed import FollowedVerbs
from edge.services.key_standing import CODE as SEAL_ALARM
from edge.services.link_certificates import CertificateWatch
from edge.services.link_note import LinkNotes
from edge.upload.http import target_of
from edge.upload.jobs import JobStore

PEOPLE_AND_WATCHER = ("watcher", "local")


def build(
    loaded: Loaded,
    mqtt: Mqtt,
    folders: NodeFolders,
    disk: Disk,
    clock: Clock,
    state: Path,
    journal: JournalWriter,
    checkpoints: Checkpoints,
    past: Past,
) -> Agent:
    """Names every adapter. Nothing is started yet."""
    config = loaded.config
    node, boot = config.node.id, journal.boot
    key = read_command_key(Path(mqtt.command_key)) if mqtt.command_key else None
    target = target_of(config.upload) if config.upload is not None else None
    inbox = Inbox()
    store = JobStore(disk, folders.jobs)
    jobs = None
    if config.upload is not None and target is not None:
        jobs = ClipJobs(
            store,
            ClipMaker(node, _packages(config, disk, clock, checkpoints)),
            target,
            rules_of(config.upload, config.node.timezone, disk, clock, boot, state),
            Ahead(store, RingReader(disk, folders.data, clock, boot, config.retention.days), clock, boot),
            inbox.put,
        )
    ring = RingReader(disk, folders.data, clock, boot, config.retention.days)
    holds = holds_of(config, disk, journal, clock, ring)
    errands = Errands(inbox.put, journal)
    ledger = Ledger(disk, state / "commands", boot)
    shop = Workshop(
        loaded=loaded,
        config=config,
        folders=folders,
        disk=disk,
        clock=clock,
        boot=boot,
        ring=ring,
        holds=holds,
        store=store,
        called_off=jobs.look_at if jobs is not None else None,
        errands=errands,
        org=mqtt.org,
        ledger=ledger,
        state=state,
        journal=journal,
        authority=Authority(node, boot, key),
        notes=LinkNotes(folders.link_note, mqtt, clock, boot),
        identify=Identify(),
        tell=inbox.put,
    )
    desk = config_desk(shop)
    followed = followed_of(shop, desk)
    verbs = verbs_of(shop, followed)
    names = _journal_names(config, disk, folders)
    wills = Wills(mqtt, node, boot, SessionNumber(disk, state / "session.json"), clock)
    parts = Parts(
        mqtt=mqtt,
        node=node,
        boot=boot,
        disk=disk,
        past=state / PAST,
        clock=clock,
        journal=journal,
        link=MqttLink(settings_of(mqtt, node), subscriptions(mqtt.org, node), wills.next),
        wills=wills,
        groups=[[_lane(disk, folders, mqtt, node, name) for name in group] for group in names],
        properties=_properties(disk, folders, mqtt, node, [name for group in names for name in group], clock),
        authority=shop.authority,
        ledger=ledger,
        verbs=verbs,
        followed=FollowedVerbs(followed),
        per_hour=config.command.per_operator_and_hour,
        errands=errands,
        holds=holds,
        hold_alarms=HoldAlarms(holds, journal, clock, about_holds(past.alarms)),
        store=store,
        jobs=jobs,
        health=HealthWatch(config, folders, disk, clock, [each for each in past.alarms if _is_of_health(each.code)], inbox.put),
        history=HealthHistory(disk, state / "history", mqtt.org, node),
        checkpoints=checkpoints,
        link_alarms=LinkAlarms(journal, [each for each in past.alarms if each.code.startswith(PREFIX)], monotonic_s()),
        certificates=CertificateWatch(config, clock),
        notes=shop.notes,
        config=desk,
        identify=shop.identify,
        health_interval_s=config.health.interval_s,
        journal_days=config.retention.journal_days,
        info=_info(loaded, journal.boot, sorted(verbs) if key is not None else [], checkpoints.every_s),
    )
    return Agent(parts, inbox)


def _is_of_health(code: str) -> bool:
    return not code.startswith((PREFIX, HOLD_PREFIX)) and code != SEAL_ALARM


def about_holds(standing: list[AlarmRaised]) -> list[AlarmRaised]:
    return [each for each in standing if each.code.startswith(HOLD_PREFIX)]


def _packages(config: NodeConfig, disk: Disk, clock: Clock, checkpoints: Checkpoints) -> PackageMaker:
    """Signs with a session of its own: the checkpoints' signer belongs to their thread."""
    return PackageMaker(config, disk, clock, identity_opener(config.seal, clock), lambda identity, clip: checkpoints.request(clip))


def _journal_names(config: NodeConfig, disk: Disk, folders: NodeFolders) -> list[list[str]]:
    """By urgency: this process's own; the watcher's and what people did on the node; the recorders' (also of cameras that are configured
    no more)."""
    disk.mkdir(folders.journals)
    found = {entry.name for entry in disk.scan(folders.journals) if entry.is_dir}
    recorders = {recorder_journal(camera.id) for camera in config.camera} | {
        name for name in found if name.startswith(recorder_journal(""))
    }
    others = found - recorders - {JOURNAL, *PEOPLE_AND_WATCHER}
    return [[JOURNAL], list(PEOPLE_AND_WATCHER), sorted(recorders), sorted(others)]


def _lane(disk: Disk, folders: NodeFolders, mqtt: Mqtt, node: str, name: str) -> Lane:
    folder = folders.journal(name)
    reader, cursor = JournalReader(disk, folder), Cursor(disk, folders.cursor(name))
    return Lane(node, name, reader, cursor, growth_of(disk, folder), by_centre=mqtt.delivery == "centre")


def _properties(disk: Disk, folders: NodeFolders, mqtt: Mqtt, node: str, names: list[str], clock: Clock) -> Properties:
    followers: list[Follower] = []
    for name in names:
        folder = folders.journal(name)
        reader = JournalReader(disk, folder)
        followers.append(Follower(name, reader, growth_of(disk, folder), look_back_from(reader, clock)))
    return Properties(mqtt.org, node, followers)


def _info(loaded: Loaded, boot: str, commands: list[str], checkpoint_s: float | None) -> NodeInfo:
    config = loaded.config
    return NodeInfo(
        config_sha256=loaded.sha256,
        node=config.node.id,
        version=__version__,
        boot=boot,
        place=config.node.place,
        hw=config.node.hw,
        timezone=config.node.timezone,
        cameras=[CameraInfo(id=camera.id, name=camera.name) for camera in config.camera],
        commands=commands,
        health_s=config.health.interval_s,
        checkpoint_s=checkpoint_s,
    )
