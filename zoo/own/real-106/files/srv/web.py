import jwt
from flask import Flask, jsonify, request

app = Flask(__name__)


@app.get("/profile")
def profile():
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    try:
        jwt.decode(token, "0123456789abcdef0123456789abcdef", algorithms=["HS256"])
    except jwt.ImmatureSignatureError:
        return jsonify(error="token not active"), 403
    except jwt.InvalidTokenError:
        return jsonify(error="invalid_token"), 401
    return jsonify(name="Kim")
