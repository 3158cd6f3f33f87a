// @vitest-environment happy-dom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { ConnectionBadge } from "./ConnectionBadge.tsx";

afterEach(cleanup);

test("it says what does not get through", () => {
  render(<ConnectionBadge connection="sse" />);
  expect(
    screen.getByTitle("WebSockets do not get through on this network: live updates use event streams."),
  ).toBeDefined();
  cleanup();
  render(<ConnectionBadge connection="polling" />);
  expect(screen.getByTitle(/^Neither WebSockets nor event streams get through on this network/)).toBeDefined();
});
