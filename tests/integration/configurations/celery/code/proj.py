from celery import Celery

app = Celery("proj", broker="memory://", result_backend=None)
app.conf.broker_transport_options = {"polling_interval": 0.1}


@app.task
def add(x, y):
    """A task."""
    return x + y
