//! What was sent: whether a body is what its route says it is. It reads no sockets and makes no answers.
