; A qubit is prepared and measured until it is 0: how often, only the measurements know.
define void @main() #0 {
entry:
  br label %again

again:
  call void @__quantum__qis__h__body(ptr null)
  call void @__quantum__qis__mz__body(ptr null, ptr null)
  %one = call i1 @__quantum__rt__read_result(ptr null)
  br i1 %one, label %again, label %done

done:
  ret void
}

declare void @__quantum__qis__h__body(ptr)
declare void @__quantum__qis__mz__body(ptr, ptr)
declare i1 @__quantum__rt__read_result(ptr)

attributes #0 = { "entry_point" "required_num_qubits"="1" "required_num_results"="1" }
