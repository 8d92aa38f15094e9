TEXT = b"one"


async def app(scope, receive, send):
    """Answers TEXT to everything."""
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"3")]})
    await send({"type": "http.response.body", "body": TEXT})
