from flask import Flask

TEXT = "one"
app = Flask(__name__)
app.add_url_rule("/", view_func=lambda: TEXT)
