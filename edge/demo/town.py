"""Everything the demo runs, started and stopped in order: broker, centre, receiver, uplink, node. Leaves nothing running."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable
from pathlib import Path

from edge.centre.archive import StoredEvent
from edge.centre.client import Client
from edge.centre.keys import make_keys
from edge.centre.serve import ReceiverServer, ServeSettings
from edge.config.model import Mqtt, NodeConfig
from edge.config.read import load_config
from edge.demo.certified import certify
from edge.demo.stage import NODE, ORG, NodePlan, end, new_token, start_broker, start_node, write_node
from edge.demo.uplink import Uplink
from edge.host.disk import Disk
from edge.host.linux_disk import LinuxDisk
from edge.host.timesync import KernelClock

UPLINK_BYTES_S = 350_000
_NODE_STOP_S = 30.0


class Town:
    """`folder`: of this run. `sources`: one camera each. The node reaches broker and receiver only through `uplink`."""

    def __init__(self, folder: Path, sources: list[str], film: str, on_event: Callable[[StoredEvent], None]) -> None:
        self.folder = folder
        self.clips = folder / "clips"
        self.disk: Disk = LinuxDisk()
        self.clock = KernelClock("assume")
        self._stack = contextlib.ExitStack()
        try:
            self._start(sources, film, on_event)
        except BaseException:
            self._stack.close()
            raise

    def _start(self, sources: list[str], film: str, on_event: Callable[[StoredEvent], None]) -> None:
        private_key, public_key = make_keys(self.folder / "keys")
        token = new_token()
        broker, broker_port = start_broker(self.folder / "broker")
        self._stack.callback(end, broker, 5.0)
        self.receiver = ReceiverServer(ServeSettings(self.clips, token=token), self.disk, self.clock)
        self.receiver.start()
        self._stack.callback(self.receiver.stop)
        mqtt = Mqtt(host="127.0.0.1", port=broker_port, org=ORG, tls=False, backoff_max_s=2.0)
        self.centre = Client(mqtt, self.folder / "centre", command_key=private_key, on_event=on_event)
        self._stack.enter_context(self.centre)
        self.uplink = Uplink([broker_port, self.receiver.port], UPLINK_BYTES_S)
        self._stack.callback(self.uplink.close)
        seal, self.trust = certify(self.folder, self.clock.read().utc_ns)
        plan = NodePlan(self.folder, sources, film, self.uplink.ports[0], self.uplink.ports[1], public_key, token, seal)
        self.config_path = write_node(plan)
        self.config: NodeConfig = load_config(self.config_path).config
        self.node: subprocess.Popen[bytes] = start_node(self.config_path, self.folder / "node.log")
        self._stack.callback(self.stop_node)

    @property
    def data(self) -> Path:
        return Path(self.config.node.data)

    def received_bytes(self) -> int:
        """Of the upload under way; 0 where there is none."""
        return sum(path.stat().st_size for path in (self.clips / ".uploads").glob("*/data"))

    @property
    def node_name(self) -> str:
        return NODE

    def stop_node(self) -> None:
        """Recorders seal what is open; idempotent."""
        end(self.node, _NODE_STOP_S)

    def close(self) -> None:
        self._stack.close()
