"""How refusals are worded: what was asked, what is allowed, and what to write instead. The kernel decides them."""

from qmk.policy.refusals.channels import *  # noqa: F403  # the kernel is given all of them as one object
from qmk.policy.refusals.jobs import *  # noqa: F403
from qmk.policy.refusals.quotas import *  # noqa: F403
from qmk.policy.refusals.rights import *  # noqa: F403
