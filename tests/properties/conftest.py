"""What always holds, tried on what nobody would think of: the same examples on every machine."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "steady",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],  # the machine may have other things to do
)
