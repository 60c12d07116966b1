from fastapi import FastAPI, Header, HTTPException

app = FastAPI()


@app.get("/parts")
def parts(authorization: str | None = Header(None)):
    if not authorization:
        raise HTTPException(401, "Not authenticated", {"WWW-Authenticate": "Bearer"})
    if "write" not in authorization:
        raise HTTPException(403, "Not enough permissions", {"WWW-Authenticate": 'Bearer scope="parts:write"'})
    return []
