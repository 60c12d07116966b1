from flask import Flask
from flask_wtf import CSRFProtect

app = Flask(__name__)
app.secret_key = "x"
CSRFProtect(app)


@app.route("/join", methods=["GET", "POST"])
def join():
    return "joined"
