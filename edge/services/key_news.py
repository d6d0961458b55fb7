"""What there is to say about a signing key, in the journal's words."""

from __future__ import annotations

from edge.errors import ConfigError, EdgeError
from edge.messages.evidence import KeyNews
from edge.seal.signer import Identity


def in_force(identity: Identity, adapter: str) -> KeyNews:
    from edge.seal.trust import Roots, check_chain  # a recorder without [seal] does without cryptography

    known = check_chain(identity.certificates, Roots(()), None)
    return KeyNews(
        state="in_force",
        adapter=adapter,
        assurance=identity.signer.assurance,
        fingerprint=identity.fingerprint,
        subject=known.subject,
        not_after=known.not_after,
    )


def refused(error: EdgeError, adapter: str) -> KeyNews:
    """broken: somebody must mend it. missing: it may pass."""
    return KeyNews(state="broken" if isinstance(error, ConfigError) else "missing", adapter=adapter, text=str(error))
