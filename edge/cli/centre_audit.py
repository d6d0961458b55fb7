"""`edge centre audit`: does what is stored of each node add up? One table a node, then what was found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import msgspec
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from edge.centre.archive import stored_nodes
from edge.centre.audit import NodeAudit, audit_node
from edge.centre.audit_journal import JournalAudit
from edge.centre.findings import Finding
from edge.cli.centre_link import now_utc_ns
from edge.cli.journal import printable
from edge.clock import format_utc
from edge.errors import IntegrityError, UsageError
from edge.host.linux_disk import LinuxDisk
from edge.seal.trust import read_roots


def run_audit(folder: Path, node: str | None, trust: Path | None, *, as_json: bool) -> None:
    """Raises IntegrityError where evidence does not add up, after all is shown; UsageError for a folder or node that is not there,
    ConfigError, StorageError."""
    nodes = stored_nodes(folder)
    if not nodes or node not in (None, *nodes):
        known = f"stored: {', '.join(nodes[:20])}" if nodes else "name the folder of `edge centre receive`"
        raise UsageError(f'nothing is stored of node "{node}"' if nodes else f"no node is stored in {folder}", remedy=known)
    roots = read_roots(trust) if trust is not None else None
    at = format_utc(now_utc_ns())
    audits = [audit_node(LinuxDisk(), folder, each, roots, at) for each in nodes if node in (None, each)]
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode([_document(each) for each in audits])))
    else:
        show_audits(audits)
    bad = [each.node for each in audits if not each.adds_up]
    if bad:
        raise IntegrityError(f"evidence does not add up: {', '.join(bad)}", remedy="keep this folder as it is: it holds the proof")


def show_audits(audits: Sequence[NodeAudit], console: Console | None = None) -> None:
    console = console or Console(highlight=False)
    for audit in audits:
        verdict = Text("adds up", style="green") if audit.adds_up else Text("does not add up", style="bold red")
        console.print(Text.assemble((audit.node, "bold"), ": ", verdict))
        console.print(_signed(audit))
        console.print(_journals(audit.journals))
        for finding in audit.findings:
            console.print(_told(finding))
        if audit.more:
            console.print(f"  and {audit.more} more like these")
        console.print()


def _signed(audit: NodeAudit) -> Text:
    if not audit.checkpoints:
        return Text("  no checkpoint was ever seen: nothing vouches for these records", style="yellow")
    signers = ", ".join(f"{count} {word}" for word, count in sorted(audit.signers.items()))
    return Text(f"  {audit.checkpoints} checkpoints seen from {audit.first_seen} to {audit.last_seen}; signers: {signers or 'none'}")


def _journals(journals: Sequence[JournalAudit]) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=True)
    table.add_column("journal")
    table.add_column("epoch")
    for heading in ("records", "missing", "up to", "vouched to"):
        table.add_column(heading, justify="right")
    table.add_column("first seen")
    table.add_column("hashes compared", justify="right")
    for each in journals:
        owed = each.vouched > each.upto
        vouched = Text(str(each.vouched or "-"), style="yellow" if owed else "")
        missing = Text(str(each.missing or "-"), style="yellow" if each.missing else "")
        table.add_row(
            each.name, each.epoch[:8], str(each.stored), missing, str(each.upto), vouched, each.seen or "-", str(each.compared or "-")
        )
    return table


def _told(finding: Finding) -> Text:
    style = "red" if finding.grave else "dim" if finding.closed else "yellow"
    where = f" {finding.journal} #{finding.seq}" if finding.journal else ""
    over = " (over)" if finding.closed else ""
    proofs = ", ".join(proof.what + (f" seen {proof.seen}" if proof.seen else "") for proof in finding.proof)
    shown = f" [{proofs}]" if proofs else ""
    return Text.assemble(("  " + finding.kind + over, style), f"{where}  {finding.at}  ", printable(finding.text), (shown, "dim"))


def _document(audit: NodeAudit) -> dict[str, object]:
    """For programs: everything, proofs verbatim."""
    return {
        "node": audit.node,
        "adds_up": audit.adds_up,
        "checkpoints": audit.checkpoints,
        "first_seen": audit.first_seen,
        "last_seen": audit.last_seen,
        "signers": audit.signers,
        "journals": audit.journals,
        "findings": [msgspec.to_builtins(finding) | {"grave": finding.grave} for finding in audit.findings],
        "more": audit.more,
    }
