"""What the centre asks for: commands, what carries them out in the background, and the last word on each. In the agent's main thread."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from edge.clock import monotonic_s
from edge.command.dispatch import Dispatcher
from edge.errors import StorageError
from edge.link.inbox import CommandNews
from edge.messages.clip import JobProgress
from edge.messages.wire import Response
from edge.services.agent_parts import Parts
from edge.services.agent_voice import Voice
from edge.services.for_all import ForAll
from edge.services.last_words import LastWords
from edge.upload.jobs import Final, Job

log = logging.getLogger(__name__)


class Work:
    """One thread."""

    def __init__(self, parts: Parts, voice: Voice) -> None:
        self._parts, self._voice = parts, voice
        self._dispatcher = Dispatcher(
            parts.authority, parts.ledger, parts.verbs, parts.journal, parts.clock, voice.answer, self._begin, parts.per_hour
        )
        self._for_all = ForAll()
        self._last_words = LastWords(parts.store, parts.journal, self._dispatcher.news)

    def start(self) -> None:
        """What was left at the last end goes on, in its threads."""
        parts = self._parts
        parts.errands.resume(parts.ledger.entries())
        parts.followed.resume(parts.ledger.entries())
        self._dispatcher.resume()
        if parts.jobs is not None:
            for job in parts.store.open_jobs():
                if job.id not in {claims.id for claims in self._dispatcher.unrecorded}:
                    parts.jobs.add(job)
            parts.jobs.start()
        parts.errands.start()

    def take(self, command: CommandNews) -> None:
        if command.to_all:
            self._for_all.put(command, monotonic_s())
        else:
            self._dispatcher.take(command)

    def tell_again(self) -> None:
        """Answers that the broker has not taken yet."""
        self._dispatcher.tell_again()

    def told(self, response: Response) -> None:
        """The broker has taken this answer."""
        try:
            self._dispatcher.told(response.id, response)
        except StorageError as error:
            log.error("command %s: that it was answered is not stored: %s", response.id, error)

    def answer(self, response: Response) -> None:
        """A later answer to a command that was accepted."""
        try:
            self._dispatcher.news(response)
        except StorageError as error:
            log.error("command %s: its answer is not stored: %s", response.id, error)

    def progress(self, progress: JobProgress) -> None:
        if progress.state == "running" and not progress.sent_bytes:
            self.answer(Response(id=progress.id, state="running"))
        self._voice.job(progress)

    def ended(self, job: Job, final: Final) -> None:
        self._voice.job(final.progress)
        self._forget([job] if self._last_words.say(job, final) else [])

    @property
    def unrecorded(self) -> bool:
        """Whether the disk has refused a record that `again` would try again."""
        return bool(self._last_words.waiting or self._dispatcher.unrecorded)

    def again(self) -> None:
        self._forget(self._last_words.again())
        self._dispatcher.again()

    def follow(self) -> None:
        """What was asked of all and is due; last words on what is looked after."""
        for command in self._for_all.due(monotonic_s()):
            self._dispatcher.take(command)
        for response in self._parts.followed.look():
            self.answer(response)

    def _begin(self, id: str) -> None:
        self._parts.errands.begin(id)
        self._parts.followed.begin(self._parts.ledger.get(id))
        job = self._parts.store.get(id)
        if self._parts.jobs is not None and job is not None:
            self._parts.jobs.add(job)

    def _forget(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            if self._parts.jobs is not None:
                self._parts.jobs.forget(job)
