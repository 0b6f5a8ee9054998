"""On PYTHONPATH of the servers of a trial: what is planted in them. Production has no hook for it."""

import os

if os.environ.get("TRIAL_PLANTED"):
    from tests.checker import planted

    planted.plant(os.environ["TRIAL_PLANTED"].split())
