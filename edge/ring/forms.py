"""The form of a stream - codec, parameter sets, size - and when it changes. A segment has one."""

from __future__ import annotations

from edge.bmff.nal import split
from edge.bmff.params import parameter_sets
from edge.messages.stream import StreamInfo
from edge.ring.gop import Gop
from edge.ring.segment import Form


class FormWatch:
    """Looks at the parameter sets in front of each key frame. One thread."""

    def __init__(self) -> None:
        self._info: StreamInfo | None = None
        self._epoch = 0
        self._form: Form | None = None

    @property
    def epoch(self) -> int:
        """Counts streams: 0 before the first."""
        return self._epoch

    def start(self, info: StreamInfo) -> None:
        """A new stream: even the same form counts as another, because its pictures do not continue those before."""
        self._info = info
        self._epoch += 1

    def look(self, gop: Gop) -> tuple[Form | None, Form | None]:
        """(form of this GOP, form before where the two differ for a viewer). The form is the same object as long as nothing changes,
        and None while the stream has not said what it is."""
        info, before = self._info, self._form
        assert info is not None, "start() comes first"
        params = parameter_sets(info.codec, gop.units[0] if gop.units else split(gop.packets[0].data))
        if before is not None and before.epoch == self._epoch and params in (None, before.params):
            return before, None
        params = params or parameter_sets(info.codec, split(info.parameter_sets))
        if params is None:
            return None, None
        width, height = params.size() or (info.width, info.height)
        self._form = form = Form(info.codec, params, width, height, info.fps, self._epoch)
        return form, before if before is not None and before.describe() != form.describe() else None
