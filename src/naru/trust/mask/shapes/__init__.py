"""The client languages as a stream's events: one `Shape` each, by the names of the endpoints."""

from naru.trust.mask.shapes.chat import ChatShape
from naru.trust.mask.shapes.messages import MessagesShape
from naru.trust.mask.shapes.responses import ResponsesShape
from naru.trust.mask.shapes.shape import Shape

SHAPES: dict[str, type[Shape]] = {
    "chat": ChatShape,
    "completions": ChatShape,
    "messages": MessagesShape,
    "responses": ResponsesShape,
}

__all__ = ["SHAPES", "Shape"]
