const express = require("express");
const path = require("path");

const application = express();
application.use(express.static(path.join(__dirname, "public"), { dotfiles: "deny", fallthrough: false }));
application.listen(Number(process.argv[2]), "127.0.0.1");
