#!/usr/bin/env python3
"""A deliberately naive tool for the zoo: one request, a look at the banner, and the commonest cause of that layer.

It is the floor that a diagnostician has to beat, and exercises the scorer.

  zoo.py score --cmd 'python3 baseline.py doctor {url} {headers} {local}' --logs-cmd 'python3 baseline.py logs {log}'
"""
import collections
import json
import re
import subprocess
import sys

BANNERS = [  # layer, what its answers' heads have, its commonest cause
    ("squid", r"x-squid-error|server: squid", "squid.acl-deny"),
    ("cloudflare", r"server: cloudflare", "cdn.cloudflare-waf"),
    ("cloudfront", r"server: cloudfront|x-amz-cf-id", "cdn.cloudfront-waf"),
    ("akamai", r"akamaighost", "akamai.reference"),
    ("fastly", r"x-served-by: cache-", "fastly.synthetic"),
    ("azure", r"microsoft-azure-application-gateway|x-azure-ref", "azure.waf"),
    ("imperva", r"x-iinfo|visid_incap", "imperva.incident"),
    ("sucuri", r"x-sucuri-id", "sucuri.block"),
    ("aws-apigw", r"x-amz-apigw-id", "aws.apigw-forbidden"),
    ("aws-waf", r"awselb", "aws.waf"),
    ("github", r"server: github", "github.rate-limit"),
    ("object-store", r"x-amz-request-id|x-guploader|x-ms-request-id|server: amazons3", "s3.access-denied"),
    ("varnish", r"x-varnish|server: varnish", "varnish.synth-403"),
    ("envoy", r"server: envoy", "envoy.rbac"),
    ("caddy", r"server: caddy", "caddy.respond"),
    ("lighttpd", r"server: lighttpd", "lighttpd.access-deny"),
    ("apache", r"server: apache", "apache.require-denied"),
    ("nginx", r"server: nginx", "nginx.deny-rule"),
    ("app", r"server: (gunicorn|uvicorn|werkzeug|backend)|x-powered-by", "app.role-missing"),
    ("haproxy", r"cache-control: no-cache\r?\ncontent-type: text/html", "haproxy.http-request-deny"),
]
CONFIDENCE = 0.3


def doctor(words):
    answer = subprocess.run(
        ["curl", "-s", "-i", "-m", "10", "--path-as-is", *without_local(words)],
        capture_output=True, text=True, errors="replace",
    ).stdout
    head = answer.replace("\r\n\r\n", "\n\n").split("\n\n")[0].lower()
    statuses = re.findall(r"^http/\S+ (\d+)", answer.lower(), re.M)
    if not statuses or statuses[-1] != "403":
        return {"causes": [], "answered_by": {"layer": "none"}}
    found = ((layer, cause) for layer, banner, cause in BANNERS if re.search(banner, head))
    layer, cause = next(found, ("app", "app.role-missing"))
    return {"causes": [{"id": cause, "confidence": CONFIDENCE}], "answered_by": {"layer": layer}}


def without_local(words):
    """The words less `--local FILE`, which this tool does not read."""
    words = iter(words)
    for word in words:
        if word == "--local":
            next(words, None)
        else:
            yield word


def logs(path):
    refused = collections.Counter()
    with open(path, errors="replace") as lines:
        for line in lines:
            if " 403 " in line or '"status":403' in line:
                plain = re.search(r'"(?:GET|POST|PUT|DELETE|HEAD|OPTIONS) (/[^/ ?]*)', line)
                found = plain or re.search(r'"(?:request_)?uri":"(/[^/"?]*)', line)
                refused[found[1] if found else "?"] += 1
    commonest = refused.most_common(1)[0][0] if refused else ""
    return {"causes": [{"id": "logs.path-rule", "confidence": CONFIDENCE, "detail": commonest}]}


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in ("doctor", "logs"):
        sys.exit(__doc__)
    print(json.dumps(doctor(sys.argv[2:]) if sys.argv[1] == "doctor" else logs(sys.argv[2])))
