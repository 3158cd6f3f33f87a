// What a JWT says of itself (RFC 7519). The server verifies it; a client only reads it.

export interface Claims {
  iss?: string;
  sub?: string;
  /** Seconds since 1970. */
  exp?: number;
  grant?: { files?: number[] };
}

/** The claims of a token; none of an API key. Names outside ASCII are only good for comparing. */
export function claimsOf(token: string): Claims {
  try {
    const payload = (token.split(".")[1] as string).replaceAll("-", "+").replaceAll("_", "/");
    return JSON.parse(atob(payload)) ?? {};
  } catch {
    return {};
  }
}
