from typing import Annotated

from fastapi import Depends, FastAPI, Header, HTTPException

app = FastAPI()


def member(authorization: Annotated[str, Header()] = ""):
    if authorization not in ("Bearer r1", "Bearer w1"):
        raise HTTPException(401, "Not authenticated", {"WWW-Authenticate": "Bearer"})
    return authorization


def writer(token: Annotated[str, Depends(member)]):
    if token != "Bearer w1":
        raise HTTPException(403, "The user doesn't have enough privileges")


@app.get("/items")
def items(_: Annotated[str, Depends(member)]):
    return []


@app.get("/users", dependencies=[Depends(writer)])
def users():
    return []
