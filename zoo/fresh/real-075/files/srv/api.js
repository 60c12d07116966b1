const express = require("express");
const app = express();
app.disable("x-powered-by");
const known = ["https://desk.example.test"];
app.use((req, res, next) => {
  const origin = req.get("origin");
  if (origin && !known.includes(origin)) {
    return res.status(403).json({ code: "ORIGIN_DENIED", message: `origin ${origin} is not allowed by the CORS policy` });
  }
  next();
});
app.get("/rates", (req, res) => res.json([1]));
app.listen(Number(process.argv[2]), "127.0.0.1");
