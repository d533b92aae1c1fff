/**
 * Credentials of no worth: a key and a certificate that nobody trusts, for mcp.test, made on 2026-11-22 for a hundred
 * years by `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 -subj /CN=mcp.test`.
 */
const bytes = {
  key: 'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg8KGmhzBFLuRg6O4wQyMxHEErIBTh/BA8SKhlQMiK0YmhRANCAAS3+O5lQuIghe/tkc8sYVILDJ7IcIa35TsfFb7qiTg+jyDbBxnb3UwIYYWL5lzQOyYR+kCU2jAsSdwEnGWY6LbY',
  certificate:
    'MIIBkzCCATigAwIBAgIUZ2EBsUIdAWY++EKhxx8s4SXcFI8wCgYIKoZIzj0EAwIwEzERMA8GA1UEAwwIbWNwLnRlc3QwIBcNMjYxMTIyMTQwNjE3WhgPMjEyNjEwMjkxNDA2MTdaMBMxETAPBgNVBAMMCG1jcC50ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEt/juZULiIIXv7ZHPLGFSCwyeyHCGt+U7HxW+6ok4Po8g2wcZ291MCGGFi+Zc0DsmEfpAlNowLEncBJxlmOi22KNoMGYwHQYDVR0OBBYEFI0/Ngi1rlRJegGa+IU3NFXURK4PMB8GA1UdIwQYMBaAFI0/Ngi1rlRJegGa+IU3NFXURK4PMA8GA1UdEwEB/wQFMAMBAf8wEwYDVR0RBAwwCoIIbWNwLnRlc3QwCgYIKoZIzj0EAwIDSQAwRgIhAPZ3yKcwFf8U6cOJRkJMXiKd2BeCCrBqKuA4YBv1pMnZAiEAidh724EAO8FkQttizS77Tc40qUMoJQhL4E9Nrr0fiIQ=',
};

const pem = (kind: string, base64: string) => `-----BEGIN ${kind}-----\n${base64}\n-----END ${kind}-----\n`;

/** For `node:https`. */
export const selfSigned = {
  key: pem('PRIVATE KEY', bytes.key),
  cert: pem('CERTIFICATE', bytes.certificate),
};
