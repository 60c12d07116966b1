local known = { north = true, south = true }
local tenant = ngx.var.http_x_tenant
if not tenant or not known[tenant] then
    return ngx.exit(ngx.HTTP_FORBIDDEN)
end
