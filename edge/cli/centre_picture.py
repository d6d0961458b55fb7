"""What the centre's commands show in a terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from edge.centre.asked import Asked
from edge.centre.roster import NodeView
from edge.cli.journal import printable
from edge.messages.wire import Response

_NO_SESSION = 0x10


def show_nodes(views: Sequence[NodeView], console: Console | None = None) -> None:
    console = console or Console(highlight=False)
    if not views:
        console.print("the broker knows no node")
        return
    table = Table(box=box.SIMPLE, pad_edge=False)
    for heading in ("node", "state", "since", "version", "motion", "alarms"):
        table.add_column(heading)
    for view in views:
        status = view.status
        state = Text("online", style="green") if view.online else Text("offline", style="red")
        motion = ", ".join(camera for camera, each in sorted(view.motion.items()) if each.active)
        alarms = ", ".join(code for code, each in sorted(view.alarms.items()) if each.active)
        table.add_row(view.node, state, status.t if status else "-", status.version if status else "-", motion, Text(alarms, style="red"))
    console.print(table)


def not_taken(node: str, code: int) -> str:
    """Why no answer will come, from the broker's reason code for the request."""
    if code == _NO_SESSION:
        return f"{node} is not connected and has no session at the broker: nobody took the request"
    return f"the broker refused the request (0x{code:02x}): may this user publish commands?"


class ClipNews:
    """Answers and progress of one clip, a line each on stderr."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._told: list[str] = []

    def tell(self, handle: Asked) -> None:
        for response in handle.responses:
            self._say(f"{handle.node}: {response.state} {response.code} {response.text}".rstrip())
        progress = handle.progress
        if progress is not None and progress.total_bytes:
            share = 100 * progress.sent_bytes // progress.total_bytes
            self._say(f"{handle.node}: {share} % of {progress.total_bytes:,} bytes, resumed {progress.resumes} times")
        if progress is not None and progress.text:
            place = f" (number {progress.place})" if progress.place else ""
            self._say(f"{handle.node}: {printable(progress.text)}{place}")

    def last(self, final: Response) -> None:
        """Files, where they lie below the receiver's folder, and gaps; on stdout."""
        if final.manifest is None:
            return
        place = f"{final.manifest.node}/{final.id}"
        for file in final.manifest.files:
            print(f"{place}/{file.name}  {file.bytes:,} bytes  {file.delivered_start} to {file.delivered_end}\n  sha256 {file.sha256}")
        for beside in final.manifest.attachments:
            print(f"{place}/{beside.name}  {beside.bytes:,} bytes\n  sha256 {beside.sha256}")
        for gap in final.manifest.gaps:
            print(f"warning: missing {gap.start} to {gap.end}: {gap.reason}", file=sys.stderr)

    def _say(self, text: str) -> None:
        if not self._quiet and text not in self._told:
            self._told.append(text)
            print(text, file=sys.stderr)
