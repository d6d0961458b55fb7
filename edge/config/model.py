"""Every key of node.toml with its unit, range and default. The docs and the JSON Schema are generated from here.

Durations end in _s/_ms/_days, sizes in _bytes, rates in _kbps (1000 bit/s). Paths may be relative to the folder of node.toml.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from edge.config.kinds import FilePath, Mask, Name, SecretPath, Unit
from edge.config.on_request import Command, Live, Serve, Upload


class Node(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who this node is and where it keeps footage."""

    id: Annotated[Name, Meta(description="node id: also MQTT client id and certificate name")]
    data: Annotated[FilePath, Meta(min_length=1, description="folder of the data partition: ring, journals, holds, jobs")]
    run: Annotated[FilePath, Meta(description="volatile folder (status, luma window); empty: /dev/shm/edge-<node id>")] = ""
    place: Annotated[str, Meta(description="where the pole stands, for people")] = ""
    timezone: Annotated[str, Meta(description="IANA name, for local times on the command line and in reports")] = "Europe/Warsaw"
    hw: Annotated[Name, Meta(description="hardware profile: a file name in hw/ without .toml")] = "desk"
    disk_key: Annotated[
        FilePath,
        Meta(description="file with the key that opens the encrypted data partition; `edge decommission` destroys it first of all"),
    ] = ""
    sentinel: Annotated[
        bool, Meta(description="refuse to record unless <data>/.edge-data names this node (proof that the data partition is mounted)")
    ] = False


class Zone(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the picture; polygon corners [x, y] in 0..1 from the top left."""

    name: Annotated[Name, Meta(description="appears in episodes; unique within the camera")]
    polygon: Annotated[list[tuple[Unit, Unit]], Meta(min_length=3, max_length=32, description="corners [x, y] in order, at least 3")]
    kind: Annotated[Literal["include", "exclude"], Meta(description="include: report motion here; exclude: never")] = "include"
    sensitivity: Annotated[float, Meta(gt=0.0, le=4.0, description="1 = as the camera; 2 = twice as sensitive")] = 1.0
    span_m: Annotated[
        float,
        Meta(
            ge=0.0, le=1000.0, description="metres that the picture's whole width would span here: its pixels by pixels a metre; 0: unknown"
        ),
    ] = 0.0
    least_m: Annotated[
        float, Meta(ge=0.0, le=20.0, description="what stands here and is not this long on its longer side is no motion; needs span_m")
    ] = 0.0


class Camera(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One camera."""

    id: Annotated[Name, Meta(description="camera id: folder name, topic level, unique on the node")]
    source: Annotated[str, Meta(description="synthetic: | file:PATH | rtsp://HOST/PATH | v4l2:/dev/video0 | picamera2:[ID] | gst:ELEMENT")]
    name: Annotated[str, Meta(description="for people")] = ""
    luma_source: Annotated[str, Meta(description="second, small stream of an IP camera, for motion; empty: key frames are decoded")] = ""
    secrets: Annotated[SecretPath, Meta(description="file (mode 0600) with the lines user=... and password=..., for rtsp")] = ""
    width: Annotated[int, Meta(ge=160, le=4096, description="picture; raw sources only")] = 1280
    height: Annotated[int, Meta(ge=120, le=3072, description="picture; raw sources only")] = 720
    fps: Annotated[float, Meta(ge=1.0, le=60.0, description="rate; raw sources only")] = 25.0
    bitrate_kbps: Annotated[int, Meta(ge=100, le=50_000, description="encoder's rate; also the storage forecast before measurement")] = 4000
    gop_s: Annotated[float, Meta(ge=0.5, le=2.0, description="time between IDR frames; raw sources only")] = 1.0
    encoder: Annotated[
        Literal["auto", "libx264", "v4l2m2m", "nvenc", "nvenc-h265"],
        Meta(description="auto: the best this board has; v4l2m2m: Raspberry Pi 4 and older; nvenc: Jetson (not Orin Nano)"),
    ] = "auto"
    preset: Annotated[
        Literal["auto", "ultrafast", "superfast", "veryfast", "faster"],
        Meta(description="of libx264; auto: the slowest that keeps the rate with a third in hand, by a trial of 3 s at each start"),
    ] = "ultrafast"
    stall_s: Annotated[float, Meta(ge=1.0, le=30.0, description="no packet for this long: the capture worker is replaced")] = 2.0
    stack_restart: Annotated[
        FilePath,
        Meta(description="program, run without arguments after three starts in a row without a picture (nvargus-daemon)"),
    ] = ""
    motion: Annotated[bool, Meta(description="give the watcher a luma window")] = True
    luma_width: Annotated[int, Meta(ge=64, le=1280, description="picture for the watcher")] = 320
    luma_height: Annotated[int, Meta(ge=48, le=720, description="picture for the watcher")] = 180
    luma_fps: Annotated[float, Meta(ge=1.0, le=15.0, description="most pictures for the watcher")] = 6.0
    sensitivity: Annotated[float, Meta(gt=0.0, le=4.0, description="1 = normal; 2 = half the contrast is enough")] = 1.0
    sensitivity_night: Annotated[
        float, Meta(ge=0.0, le=4.0, description="the same by night, told by lux or by the picture; 0: as by day")
    ] = 0.0
    masks: Annotated[
        list[Mask],
        Meta(max_length=32, description="privacy masks: polygons, each a list of corners [x, y] in 0..1 from the top left; never recorded"),
    ] = []
    masks_in_camera: Annotated[
        bool, Meta(description="the camera itself masks what may not be seen; nothing is burnt in here, and the journal says so")
    ] = False
    transcode: Annotated[bool, Meta(description="decode what the camera encoded, burn in the masks, encode here (rtsp, v4l2, file)")] = (
        False
    )
    options: Annotated[dict[str, Any], Meta(description="the adapter's own options: speed, loop, seed, night ...")] = {}
    zone: Annotated[list[Zone], Meta(max_length=32, description="[[camera.zone]]: parts of the picture")] = []


class Ring(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How footage is written."""

    segment_s: Annotated[float, Meta(ge=2.0, le=300.0, description="a new segment file about this often")] = 60.0
    sync: Annotated[
        Literal["fragment", "segment", "off"],
        Meta(description="fdatasync after each fragment, only when sealing, or never (off loses footage at a power cut: trials only)"),
    ] = "fragment"
    reserve_bytes: Annotated[int, Meta(ge=0, description="kept free on the data partition; 0: 2 percent of it, at least 64 MB")] = 0
    budget_bytes: Annotated[int, Meta(ge=0, description="most bytes of ring footage per camera; 0: no limit but free space")] = 0
    queue_bytes: Annotated[int, Meta(ge=1_000_000, description="footage that may wait in memory for a stalled disk")] = 32_000_000
    queue_gops: Annotated[int, Meta(ge=2, le=600, description="groups of pictures that may wait in memory")] = 60


class Retention(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long footage is kept (un-held)."""

    profile: Annotated[Literal["pl-guard", "pl-municipal", "custom"], Meta(description="legal bounds in days: 20-60, 20-90, any")] = (
        "pl-guard"
    )
    basis: Annotated[str, Meta(description="legal basis, required by profile custom")] = ""
    days: Annotated[float, Meta(gt=0.0, le=3650.0, description="footage older than this is erased")] = 30.0
    minimum_days: Annotated[float, Meta(ge=0.0, le=3650.0, description="erasing younger footage for space raises an alarm")] = 20.0
    clock_jump_quarantine_h: Annotated[
        float, Meta(ge=0.0, le=720.0, description="no erasure by age for this long after the clock jumped forward by more than an hour")
    ] = 24.0
    journal_days: Annotated[float, Meta(ge=30.0, le=3650.0, description="journals outlive footage")] = 400.0


class Hold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Evidence locks."""

    quota_percent: Annotated[float, Meta(gt=0.0, le=90.0, description="most of the data partition that holds may pin")] = 25.0


class Seal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Signatures in the picture stream and over journals. No [seal] section: nothing is signed, and the journal says so."""

    signer: Annotated[
        Literal["file", "pkcs11", "rpifwcrypto"],
        Meta(description="where the private key lives: a file, a PKCS#11 token, the firmware of a Raspberry Pi 4 or 5"),
    ] = "file"
    certificate: Annotated[
        FilePath, Meta(min_length=1, description="PEM of the media certificate, then of intermediate authorities; no root")
    ]
    key: Annotated[SecretPath, Meta(description="signer file: PEM of the private key (P-256, mode 0600)")] = ""
    pkcs11_module: Annotated[str, Meta(description="signer pkcs11: the token's library, e.g. /usr/lib/softhsm/libsofthsm2.so")] = ""
    pkcs11_token: Annotated[str, Meta(description="signer pkcs11: label of the token")] = ""
    pkcs11_label: Annotated[str, Meta(description="signer pkcs11: label of the key")] = ""
    pin_file: Annotated[SecretPath, Meta(description="signer pkcs11: file (mode 0600) with the PIN on its first line")] = ""
    rpi_key: Annotated[int, Meta(ge=1, le=8, description="signer rpifwcrypto: number of the OTP key")] = 1
    deadline_s: Annotated[
        float, Meta(ge=0.05, le=2.0, description="a signature that takes longer is given up; its GOP is stored unsigned")
    ] = 0.8
    checkpoint_s: Annotated[float, Meta(ge=5.0, le=3600.0, description="time between signed checkpoints of the journals")] = 60.0


class ClockTrust(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When UTC is believed."""

    trust: Annotated[
        Literal["kernel", "assume"],
        Meta(description="kernel: only while the kernel says synchronised (adjtimex); assume: always (desk, demo)"),
    ] = "kernel"
    max_error_ms: Annotated[float, Meta(gt=0.0, le=16_000.0, description="a clock whose error bound is larger is not trusted")] = 1000.0


class Watch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Motion episodes."""

    start_s: Annotated[float, Meta(ge=0.0, le=10.0, description="motion must last this long before an episode starts")] = 0.15
    end_s: Annotated[float, Meta(ge=0.5, le=120.0, description="stillness that ends an episode")] = 3.0
    max_episode_s: Annotated[float, Meta(ge=10.0, le=3600.0, description="a longer episode is ended and a new one begun")] = 300.0
    max_per_hour: Annotated[
        int, Meta(ge=0, le=3600, description="episodes of a camera that start in an hour; further motion joins the last one; 0: no limit")
    ] = 60
    cpu_percent: Annotated[
        float, Meta(ge=1.0, le=100.0, description="of one core; where watching takes more, it looks at every second or fourth picture")
    ] = 25.0
    pre_s: Annotated[float, Meta(ge=0.0, le=120.0, description="footage before an episode that its marks take in")] = 5.0
    post_s: Annotated[float, Meta(ge=0.0, le=120.0, description="footage after it that they take in")] = 5.0
    tamper: Annotated[bool, Meta(description="alarms for covered, sprayed, blurred, turned, dazzled, black and frozen pictures")] = True


class Mqtt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The broker. No [mqtt] section: no link; the node only records."""

    host: Annotated[str, Meta(min_length=1, description="name or address of the broker")]
    port: Annotated[int, Meta(ge=1, le=65535, description="TCP port")] = 8883
    org: Annotated[Name, Meta(description="first level of every topic")] = "town"
    tls: Annotated[bool, Meta(description="false only on loopback: refused for any other host")] = True
    ca: Annotated[FilePath, Meta(description="PEM of the authority that signed the broker's certificate; empty: the system's")] = ""
    certificate: Annotated[FilePath, Meta(description="PEM of the node's own certificate; with key")] = ""
    key: Annotated[SecretPath, Meta(description="PEM of its private key (mode 0600)")] = ""
    user: Annotated[str, Meta(description="user name, where the broker wants one")] = ""
    password_file: Annotated[SecretPath, Meta(description="file (mode 0600) with the password on its first line")] = ""
    keepalive_s: Annotated[
        int, Meta(ge=5, le=1200, description="a ping after this much silence; the broker gives a silent node up after 1.5 times")
    ] = 30
    window: Annotated[int, Meta(ge=1, le=100, description="most messages in flight")] = 20
    will_delay_s: Annotated[
        int,
        Meta(ge=0, le=3600, description="wait before the broker calls this node offline: short cuts go unnoticed"),
    ] = 10
    backoff_max_s: Annotated[float, Meta(ge=0.2, le=3600.0, description="longest wait between connection attempts (full jitter)")] = 300.0
    delivery: Annotated[
        Literal["centre", "broker"],
        Meta(description="centre: a record is delivered when the centre's watermark covers it; broker: when the broker acknowledged it"),
    ] = "centre"
    command_key: Annotated[FilePath, Meta(description="PEM public key (P-256) of the centre; empty: every command is refused")] = ""


class Health(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Health documents."""

    interval_s: Annotated[float, Meta(ge=1.0, le=3600.0, description="time between health documents")] = 60.0


class Log(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Log lines on stderr."""

    level: Annotated[Literal["debug", "info", "warning", "error"], Meta(description="least severe level that is written")] = "info"


class NodeConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. The smallest one: [node] id, data and one [[camera]] id, source."""

    node: Node
    camera: Annotated[list[Camera], Meta(min_length=1, max_length=8)]
    ring: Ring = Ring()
    retention: Retention = Retention()
    hold: Hold = Hold()
    seal: Seal | None = None
    clock: ClockTrust = ClockTrust()
    watch: Watch = Watch()
    mqtt: Mqtt | None = None
    upload: Upload | None = None
    command: Command = Command()
    serve: Serve | None = None
    live: Live | None = None
    health: Health = Health()
    log: Log = Log()
