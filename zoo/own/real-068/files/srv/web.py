import jwt
from flask import Flask, jsonify, request

app = Flask(__name__)


@app.get("/v1/accounts")
def accounts():
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    try:
        jwt.decode(token, "0123456789abcdef0123456789abcdef", algorithms=["HS256"], audience="https://api.example.test")
    except jwt.InvalidAudienceError:
        return jsonify(error="access_denied"), 403
    except jwt.InvalidTokenError:
        return jsonify(error="invalid_token"), 401
    return jsonify([])
