from flask import Flask, abort, jsonify, request

app = Flask(__name__)


@app.before_request
def known_session():
    cookie = request.cookies.get("session")
    if cookie is not None and not cookie.startswith("v3."):
        abort(403)


@app.get("/dashboard")
def dashboard():
    return jsonify(ok=True)
