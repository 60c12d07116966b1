const { resolve } = require("node:path");

import("file://" + require.resolve("vite").replace(/index\.cjs$/, "dist/node/index.js")).then(async ({ createServer }) => {
  const server = await createServer({
    configFile: false, root: resolve("srv/project"), logLevel: "silent", cacheDir: resolve("tmp/vite"),
    server: { host: "127.0.0.1", port: Number(process.argv[2]), strictPort: true, fs: { strict: true, allow: [resolve("srv/project")] } },
  });
  await server.listen();
});
