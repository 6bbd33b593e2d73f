"""The durable work of a process by its roles: who scores has a scorer, who delivers a courier."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

from config.settings import PeerSettings
from scp.delivery.association import Association, associate_as
from scp.delivery.courier import Courier
from scp.delivery.retry import ConfiguredRetry
from scp.delivery.web import connect_as
from scp.durable.chores import Chore
from scp.durable.dbos_engine import DbosEngine
from scp.durable.workflow import Workflow
from scp.group.membership import Membership
from scp.installation import Installation
from scp.priors.comparison import History
from scp.scu.storage import Sending
from scp.work.configured import ConfiguredWork
from scp.work.documents import DocumentWork
from scp.work.scoring_pool import ScoringPool
from scp.work.series_work import SeriesWork


def make_workflow(
    installation: Installation, membership: Membership, scorer: ScoringPool, chores: Sequence[Chore]
) -> Workflow:
    """Make the workflow of what this process scores, documents and delivers, as a member of its group."""
    settings = installation.settings

    def make_work(still: Installation) -> SeriesWork:
        return SeriesWork(still, scorer, History(still), DocumentWork(still, scorer))

    def associate(peer: PeerSettings, objects: Sequence[Sending]) -> AbstractContextManager[Association]:
        node = installation.settings.node
        return connect_as(node, associate_as(node))(peer, objects)

    courier = Courier(
        installation,
        DocumentWork(installation, scorer),
        associate=associate,
        retry=ConfiguredRetry(installation),
    )
    engine = DbosEngine(
        installation.database, member=membership.id, scorers=settings.scoring.workers, alone=membership.alone
    )
    workflow = Workflow(
        engine,
        installation,
        ConfiguredWork(installation, make_work) if "score" in settings.group.roles else None,
        courier if "deliver" in settings.group.roles else None,
        group=membership,
        chores=chores,
    )
    membership.renamed = engine.rename
    membership.changed = workflow.wake
    return workflow
