"""Asks the gRPC server through the gate: `grpc_client.py port key`. Prints what it was told, one line a call."""

import sys

import grpc

port, key = sys.argv[1:]
channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.default_authority", "rpc.test")])
identified = (("x-api-key", key),)


def call(name, metadata, request=b"parcel"):
    try:
        said = channel.unary_unary(f"/parcels.Parcels/{name}")(request, metadata=metadata, timeout=20)
        print(name, said.decode())
    except grpc.RpcError as error:
        trailers = dict(error.trailing_metadata() or ())
        print(name, error.code().name, error.details(), trailers.get("found-by", ""), sep="|")


call("Once", identified)
numbers = channel.unary_stream("/parcels.Parcels/Many")(b"500", metadata=identified, timeout=20)
print("Many", sum(int(number) for number in numbers))
call("Fail", identified)
call("Closed", identified)
call("Once", ())
