const head = (folder: string, workers: number): string => `daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes ${workers};
pid ${folder}/nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  keepalive_requests 1000000000;
`;

/** nginx as the peer: one worker, upstream connections kept alive, the usual forwarding headers. */
export const nginxProxy = (folder: string, port: number, upstream: number): string => `${head(folder, 1)}
  upstream side { server 127.0.0.1:${upstream}; keepalive 64; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://side;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
    }
  }
}
`;

/** nginx as what stands behind every contender: the same answer at every address, two workers, so never the bottleneck. */
export const nginxUpstream = (folder: string, ports: readonly number[], json: string): string => `${head(folder, 2)}
${ports
  .map(
    (port) => `  server {
    listen 127.0.0.1:${port};
    default_type "application/json; charset=utf-8";
    add_header Cache-Control "private, max-age=0";
    add_header Vary "Accept-Encoding";
    add_header Set-Cookie "a=1; Path=/";
    add_header Set-Cookie "b=2; Path=/; HttpOnly";
    add_header X-Saw "$request_method $request_uri $http_x_forwarded_for $http_x_forwarded_proto $http_accept_language";
    location / { return 200 '${json}'; }
  }`,
  )
  .join('\n')}
}
`;
