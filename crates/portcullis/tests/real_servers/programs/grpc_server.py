"""A gRPC server without generated code: one call, a stream of answers, and an error with trailers. Prints its port."""

from concurrent.futures import ThreadPoolExecutor

import grpc


def once(request, context):
    return request[::-1]


def many(request, context):
    for number in range(int(request)):
        yield b"%d" % number


def fail(request, context):
    context.set_trailing_metadata((("found-by", "the service"),))
    context.abort(grpc.StatusCode.NOT_FOUND, "no such parcel")


class Parcels(grpc.GenericRpcHandler):
    def service(self, call):
        return {
            "/parcels.Parcels/Once": grpc.unary_unary_rpc_method_handler(once),
            "/parcels.Parcels/Many": grpc.unary_stream_rpc_method_handler(many),
            "/parcels.Parcels/Fail": grpc.unary_unary_rpc_method_handler(fail),
            "/parcels.Parcels/Closed": grpc.unary_unary_rpc_method_handler(once),
        }.get(call.method)


server = grpc.server(ThreadPoolExecutor(max_workers=4))
server.add_generic_rpc_handlers((Parcels(),))
print("port", server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
server.wait_for_termination()
