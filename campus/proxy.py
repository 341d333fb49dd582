"""The pure-Python proxy, with what its WebSockets lack; run as `python -m campus.proxy`, with the proxy's own options.

A browser that offers a subprotocol and hears none back drops the connection; JupyterLab then tries again without one,
and a cell that was run meanwhile is lost. With the subprotocol messages are binary, and must stay so.
"""

from configurable_http_proxy.cli import main
from configurable_http_proxy.handlers import ProxyHandler
from tornado.websocket import WebSocketClosedError


def select_subprotocol(handler: ProxyHandler, offered: list[str]) -> str | None:
    """The subprotocol that the workspace behind the proxy chose from those that the browser offered."""
    return handler.ws_client.selected_subprotocol if handler.ws_client else None


def pass_on(handler: ProxyHandler, message: str | bytes) -> None:
    """Hand a message of the browser to the workspace as it came; if that is gone, let the browser know."""
    prefix = handler.target["prefix"] if handler.target else ""
    if prefix:
        handler.proxy.update_last_activity(prefix)
    try:
        handler.ws_client.write_message(message, binary=isinstance(message, bytes))
    except (AttributeError, WebSocketClosedError):
        handler.close(1001, "The workspace closed the connection.")


ProxyHandler.select_subprotocol = select_subprotocol
ProxyHandler.on_message = pass_on

if __name__ == "__main__":
    main()
