"""Whether live events can get out at all."""

from channels.layers import get_channel_layer

from tasktracker.lib import loop


def probe(*, timeout: float) -> None:
    """Send to a group that nobody listens to; raises whatever the channel layer raises."""
    layer = get_channel_layer()
    assert layer is not None  # the settings name one
    loop.run(layer.group_send("probe", {"type": "probe"}), timeout=timeout)
