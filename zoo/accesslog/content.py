"""What the site has: pages, assets, an API; and what scanners look for."""

PAGES = [
    "/", "/", "/", "/products", "/search", "/about", "/cart", "/checkout", "/login", "/help", "/blog",
    *(f"/products/{number}" for number in range(1, 140)),
    *(f"/blog/post-{number}" for number in range(1, 40)),
]
ASSETS = [  # `%s` is the build's name
    "/assets/app.%s.js", "/assets/vendor.%s.js", "/assets/main.%s.css", "/img/hero.jpg", "/img/logo.svg",
    "/fonts/inter.woff2", *(f"/img/p/{number}.jpg" for number in range(1, 140)),
]
API = [
    "/api/v1/cart", "/api/v1/me", "/api/v1/products", "/api/v1/orders", "/api/v1/recommendations", "/api/v1/search",
    "/api/v2/session",
]
SCANNED = [
    "/.env", "/.git/config", "/wp-login.php", "/xmlrpc.php", "/phpmyadmin/", "/.aws/credentials",
    "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php", "/cgi-bin/luci", "/actuator/env", "/server-status",
    "/admin.php", "/backup.sql", "/config.json", "/owa/",
]
SEARCHED = [
    "shoes", "red dress", "iphone case", "o'neill jacket", "lamp", "select 5 socks", "men's boots", "table <60cm",
    "sofa", "desk", "kids", "rock & roll tee", "union jack mug", "coffee",
]
OWN_SITE = "https://shop.example.test"
ELSEWHERE = ["https://www.google.com/", "-", "https://forum.deals.test/t/88"]
