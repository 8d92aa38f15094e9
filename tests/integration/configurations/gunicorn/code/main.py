TEXT = b"one"


def app(environ, start_response):
    """Answers TEXT to everything."""
    start_response("200 OK", [("Content-Length", "3")])
    return [TEXT]
