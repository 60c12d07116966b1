//! Callers that are not ours: curl in every version of HTTP, a browser with WebSockets, gRPC's own client.

mod browser;
mod curl;
mod grpc;
