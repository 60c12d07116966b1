const fastify = require("fastify")();

fastify.addHook("onRequest", async (request, reply) => {
  if (!["203.0.113.9", "198.51.100.7"].includes(request.ip)) {
    const refusal = new Error(`Client address ${request.ip} is not on the allow list of this API`);
    refusal.statusCode = 403;
    throw refusal;
  }
});
fastify.get("/v2/*", async () => ({}));
fastify.listen({ port: Number(process.argv[2]), host: "127.0.0.1" });
