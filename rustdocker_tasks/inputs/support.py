"""What an image holds beside program and libraries; gathered before anything is compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rustdocker_tasks.inputs.assets import asset_entries
from rustdocker_tasks.inputs.certificates import extra_certificates, public_certificates, time_zones
from rustdocker_tasks.inputs.root_files import support_entries

if TYPE_CHECKING:
    from rustdocker_tasks.inputs.root_files import Entry
    from rustdocker_tasks.plan.model import ImagePlan


def gather_support_files(plan: ImagePlan) -> tuple[Entry, ...]:
    """Return certificates, time zones, users, folders and assets; raises ForeignCertificates, UnreadableFile."""
    extra = extra_certificates(plan.ca_certificates, set_by=plan.ca_certificates_set_by)
    certificates = public_certificates() + extra
    return (
        *support_entries(plan.config, certificates=certificates, zones=time_zones()),
        *asset_entries(plan.assets, set_by=plan.assets_set_by),
    )
