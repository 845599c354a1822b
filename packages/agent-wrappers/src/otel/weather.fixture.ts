/** A conversation with one tool call, as it has to be recorded however its spans tell of it. */
export const weatherTurns = [
  { role: "system", content: "Be brief." },
  { role: "user", content: "How warm is Paris?" },
  {
    role: "assistant",
    content: "",
    tool_calls: [{ id: "c1", type: "function", function: { name: "weather", arguments: { city: "Paris" } } }],
  },
  { role: "tool", content: '{"degrees":21}', tool_call_id: "c1" },
  { role: "assistant", content: "21 degrees" },
];
