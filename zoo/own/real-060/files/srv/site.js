const Koa = require("koa");
const bodyParser = require("koa-bodyparser");
const CSRF = require("koa-csrf");
const { createSession } = require("koa-session");

const application = new Koa();
application.keys = ["a", "b"];
application.use(createSession(application));
application.use(bodyParser());
application.use(new CSRF());
application.use((context) => {
  context.body = context.method === "GET" ? `<input type="hidden" name="_csrf" value="${context.state._csrf}">` : "saved";
});
application.listen(Number(process.argv[2]), "127.0.0.1");
