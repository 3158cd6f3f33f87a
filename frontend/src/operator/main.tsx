import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "../styles/index.css";
import "../styles/operator.css";
import { applyTheme } from "../page/theme.ts";
import { OperatorPage } from "./OperatorPage.tsx";

const root = document.getElementById("root");
if (root === null) throw new Error("operator.html has no #root");
applyTheme();
createRoot(root).render(
  <StrictMode>
    <OperatorPage />
  </StrictMode>,
);
