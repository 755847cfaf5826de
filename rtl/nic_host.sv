// SPDX-License-Identifier: Apache-2.0
// The host port's command side: takes one command at a time apart into what each owner of state has to do.
//
//   open     tail, consumed and header first; then the send context, until the assembler has written the sent mirror, which the
//            receive pipeline reads; last the token through that, which writes the flow table and comes out as a fence on the slow path
//   close    to tx_writer      abort, tune  to the send pipeline      consume  to rx_reader
//   release  once rx_reader is idle, token through the receive pipeline, on to the send pipeline and the assembler
//
// A command is accepted when the one before it was handed on; close and consume take 2 cycles.
`default_nettype none
`include "nic_types.svh"
module nic_host (
    input  wire logic         clk_i,
    input  wire logic         rst_ni,
    output logic              idle_o,
    input  wire logic         busy_i,        // stores are being swept after reset
    input  wire logic         cmd_valid_i,
    output logic              cmd_ready_o,
    input  host_cmd_t         cmd_i,
    output host_cmd_t         cmd_o,         // the command in hand, to all
    output logic              writer_valid_o,
    input  wire logic         writer_ready_i,
    output logic              reader_valid_o,
    input  wire logic         reader_ready_i,
    input  wire logic         reader_idle_i,  // all that was consumed is out: none of it may come after `released`
    output logic              hdr_we_o,
    output logic              snd_valid_o,
    input  wire logic         snd_ready_i,
    input  wire logic         snd_done_i,
    input  wire logic         opened_i,      // the assembler has passed the open's descriptor
    output logic              tok_valid_o,
    input  wire logic         tok_ready_i,
    input  wire logic         tok_done_i
);
  typedef enum logic [2:0] {Idle = 0, Writer = 1, Reader = 2, Send = 3, SendWait = 4, Token = 5, TokenWait = 6, Drain = 7} state_e;
  logic [2:0] state_q, state_d;
  host_cmd_t cmd_q;

  assign cmd_ready_o    = (state_q == Idle) && !busy_i;
  assign cmd_o          = cmd_q;
  assign idle_o         = (state_q == Idle) && !busy_i;
  assign writer_valid_o = (state_q == Writer);
  assign reader_valid_o = (state_q == Reader);
  assign hdr_we_o       = (state_q == Writer) && cmd_q.kind == CmdOpen;
  assign snd_valid_o    = (state_q == Send);
  assign tok_valid_o    = (state_q == Token);

  always @* begin
    state_d = state_q;
    case (state_q)
      Idle:
        if (cmd_valid_i && cmd_ready_o) begin
          case (cmd_i.kind)
            CmdOpen, CmdClose: state_d = Writer;
            CmdConsume: state_d = Reader;
            CmdAbort, CmdTune: state_d = Send;
            CmdRelease: state_d = Drain;
            default: ;
          endcase
        end
      Writer: if (writer_ready_i) state_d = (cmd_q.kind == CmdOpen) ? Reader : Idle;
      Reader: if (reader_ready_i) state_d = (cmd_q.kind == CmdOpen) ? Send : Idle;
      Send: if (snd_ready_i) state_d = SendWait;
      SendWait:
        if (cmd_q.kind == CmdOpen) begin
          if (opened_i) state_d = Token;
        end else if (snd_done_i) state_d = Idle;
      Drain: if (reader_idle_i) state_d = Token;
      Token: if (tok_ready_i) state_d = TokenWait;
      default: if (tok_done_i) state_d = Idle;
    endcase
  end

  always_ff @(posedge clk_i) begin
    state_q <= rst_ni ? state_d : Idle;
    if (cmd_valid_i && cmd_ready_o) cmd_q <= cmd_i;
  end
endmodule
`default_nettype wire
