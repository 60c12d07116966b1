<?php
$user = $_COOKIE['user'] ?? null;
header('Content-Type: application/json');
if ($user === null) {
    http_response_code(401);
    header('WWW-Authenticate: Cookie');
    exit('{"message":"Unauthenticated."}');
}
if (str_starts_with($_SERVER['REQUEST_URI'], '/teams') && $user !== 'lee') {
    http_response_code(403);
    exit('{"message":"This action is unauthorized."}');
}
echo '{"ok":true}';
